import sys, torch
from transformers import LlamaConfig, LlamaForCausalLM
torch.manual_seed(0)
c=LlamaConfig(vocab_size=92544,hidden_size=2048,intermediate_size=8192,num_hidden_layers=24,num_attention_heads=16,num_key_value_heads=8,max_position_embeddings=32768)
with torch.device("cuda"): m=LlamaForCausalLM._from_config(c,dtype=torch.bfloat16)
m.save_pretrained(sys.argv[1])
