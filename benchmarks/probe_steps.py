"""Temporary: time and memory of a pack at several shapes and choices."""
import json, sys, time, gc, random, traceback
from dataclasses import replace
import torch
from transformers import LlamaConfig, LlamaForCausalLM
import bitsandbytes as bnb
from core.config.schema import Config
from core.engine import batch, lora
from core.engine.base import linears, round_trip
from core.engine.decoder import decoder_of
from core.engine.gradients import Gradients
from core.engine.graphs import Recorder
from core.engine.loss import Objective
from core.schedule import Member
from core.tokens import Encoded
SHAPES={ # hidden, layers, heads, kv, size, inter, vocab, tied
 "0.1b":(576,30,9,3,64,1536,49152,True),
 "0.5b":(896,24,14,2,64,4864,151936,True),
 "1.8b":(2048,24,16,8,128,8192,92544,False),
 "3b":(2048,36,16,2,128,11008,151936,True),
 "7b":(4096,32,32,32,128,11008,32000,False),
 "i7b":(4096,32,32,8,128,14336,92544,False),
}
def model(name, packed, rank):
    h,l,a,k,s,i,v,t=SHAPES[name]
    torch.manual_seed(0)
    c=LlamaConfig(vocab_size=v,hidden_size=h,intermediate_size=i,num_hidden_layers=l,num_attention_heads=a,num_key_value_heads=k,head_dim=s,max_position_embeddings=32768,tie_word_embeddings=t,attn_implementation="sdpa")
    with torch.device("cuda"):
        m=LlamaForCausalLM._from_config(c,dtype=torch.bfloat16)
    m.requires_grad_(False)
    if packed:
        for n,lin in linears(m).items():
            new=bnb.nn.Linear4bit(lin.in_features,lin.out_features,bias=False,compute_dtype=torch.bfloat16,quant_type="nf4",device="meta")
            new.weight=bnb.nn.Params4bit(lin.weight.data,requires_grad=False,quant_type="nf4",compress_statistics=True).to("cuda")
            lin.weight=None
            parent,_,leaf=n.rpartition(".")
            setattr(m.get_submodule(parent),leaf,new)
        m.is_loaded_in_4bit=True
    else:
        round_trip(m)
    return lora.attach(m, Config.model_validate({"model":{"lora_r":rank,"lora_alpha":16}})).cuda()
L=json.load(open("benchmarks/alpaca_lengths.json"))
def rows(vocab):
    r=random.Random(0)
    return [Encoded(tuple(r.choices(range(vocab),k=n)), (False,)*(n-m)+(True,)*m) for n,m in L]
def members(tokens):
    order=list(range(len(L))); random.Random(1).shuffle(order); left=tokens; out=[]
    for i in order:
        if L[i][0]<=left: out.append(Member(i,1)); left-=L[i][0]
        if left<30: break
    return tuple(out)
G=2**30
def main():
    name,packed,rank=sys.argv[1],sys.argv[2]=="packed",int(sys.argv[3])
    t0=time.perf_counter(); m=model(name,packed,rank); enc=rows(SHAPES[name][6])
    o=Objective(m); trained=lora.trained(o); opt=torch.optim.AdamW(trained,lr=1e-4,fused=True)
    gr=Gradients(trained); o.collect(gr); dec=decoder_of(m)
    print(json.dumps({"shape":name,"packed":packed,"rank":rank,"build_s":time.perf_counter()-t0,"static":torch.cuda.memory_allocated()/G}),flush=True)
    for case in sys.argv[4:]:
        rec,tok,mode=case.split("/"); tok=int(tok)
        try:
            dec.recompute(rec)
            recorder=Recorder(o,gr); recorder._alone=float("inf") if mode=="graph" else 0
            pack=batch.build(members(tok),enc,{},"cuda",attention=o.attention)
            pack=replace(pack,weights=pack.weights/len(pack.targets))
            real=len(pack.ids)
            gc.collect(); torch.cuda.empty_cache(); 
            torch.cuda.synchronize(); b=time.perf_counter(); recorder(pack); torch.cuda.synchronize(); first=time.perf_counter()-b
            opt.step(); opt.zero_grad
            gc.collect(); torch.cuda.empty_cache(); torch.cuda.reset_peak_memory_stats()
            base=torch.cuda.memory_allocated()/G
            b=time.perf_counter(); loss=recorder(pack)[0].item(); rec_s=time.perf_counter()-b
            times=[];host=[]
            for _ in range(7):
                torch.cuda.synchronize(); b=time.perf_counter(); recorder(pack); host.append(time.perf_counter()-b); torch.cuda.synchronize(); times.append(time.perf_counter()-b)
            torch.cuda.synchronize(); b=time.perf_counter(); torch.nn.utils.clip_grad_norm_(trained,1.0); opt.step(); o.zero_grad(); torch.cuda.synchronize(); osec=time.perf_counter()-b
            free,total=torch.cuda.mem_get_info()
            ms=sorted(times)[3]*1e3
            print(json.dumps({"shape":name,"packed":packed,"rank":rank,"recompute":rec,"tokens":real,"padded":len(pack.ids),"learned":len(pack.targets),"mode":mode,"ms":round(ms,2),"host_ms":round(sorted(host)[3]*1e3,2),"first_s":round(first,2),"record_s":round(rec_s,2),"opt_ms":round(osec*1e3,2),"base":round(base,3),"peak":round(torch.cuda.max_memory_allocated()/G,3),"reserved":round(torch.cuda.max_memory_reserved()/G,3),"used":round((total-free)/G,3),"loss":round(loss,4),"tps":round(real/ms*1e3)}),flush=True)
            if "profile" in case or (mode=="eager" and tok==16384 and name=="1.8b" and rec=="nothing") or (packed and mode=="eager" and name=="1.8b" and tok==4096):
                from torch.profiler import profile, ProfilerActivity
                with profile(activities=[ProfilerActivity.CUDA]) as pr:
                    recorder(pack); torch.nn.utils.clip_grad_norm_(trained,1.0); opt.step(); o.zero_grad(); torch.cuda.synchronize()
                print(pr.key_averages().table(sort_by="cuda_time_total",row_limit=32,max_name_column_width=90),flush=True)
        except Exception:
            print("FAILED",case); traceback.print_exc(file=sys.stdout); sys.stdout.flush()
        recorder.forget(); del recorder; o.zero_grad()
main()
