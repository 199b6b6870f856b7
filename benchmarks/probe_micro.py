"""Temporary: rates of one GPU."""
import json, sys, time, traceback
import torch
from torch.nn import functional as F
from core.engine import flash, kernels
torch.manual_seed(0)
dev="cuda"; bf=torch.bfloat16
N=16384
def t(f, n=20, warm=3):
    for _ in range(warm): f()
    torch.cuda.synchronize(); a=torch.cuda.Event(enable_timing=True); b=torch.cuda.Event(enable_timing=True)
    a.record()
    for _ in range(n): f()
    b.record(); torch.cuda.synchronize()
    return a.elapsed_time(b)/n
R={}
def rec(name, f, flops=None, bytes_=None):
    try:
        ms=t(f)
        R[name]=ms
        print(f"{name:58} {ms:8.4f} ms"+(f" {flops/ms/1e9:7.0f} TF/s" if flops else "")+(f" {bytes_/ms/1e6:7.0f} GB/s" if bytes_ else ""), flush=True)
    except Exception as e:
        print(name,"FAILED",repr(e)[:300], flush=True)
def r(*s): return torch.randn(*s,device=dev,dtype=bf)*0.1
a,b=r(8192,8192),r(8192,8192)
rec("matmul 8192^3", lambda: a@b, 2*8192**3)
a,b=r(16384,2048),r(16384,2048)
rec("matmul 16k x 2048 x 16384 (gate-up fwd, no room)", lambda: F.linear(a,b), 2*N*2048*16384)
H,I=2048,8192
for n in (16384,4096,2048):
    x=r(n,H); xr=r(n,H+128); W=r(2*I,H); Wr=r(2*I,H+128); dy=r(n,2*I)
    rec(f"gu fwd plain n={n}", lambda: F.linear(x,W), 2*n*H*2*I)
    rec(f"gu fwd riding n={n}", lambda: F.linear(xr,Wr), 2*n*H*2*I)
    rec(f"gu bwd plain n={n}", lambda: dy@W, 2*n*H*2*I)
    rec(f"gu bwd riding n={n}", lambda: dy@Wr, 2*n*H*2*I)
    Br=Wr[:,H:]
    rec(f"gu dnarrow whole n={n}", lambda: dy@Br)
    B1=r(I,64); d1,d2=dy.split(I,1); o=r(n,128)
    def sep():
        torch.mm(d1,B1,out=o[:,:64]); torch.mm(d2,B1,out=o[:,64:])
    rec(f"gu dnarrow separate n={n}", sep)
    nar=r(n,128)
    rec(f"gu dB separate fp32 n={n}", lambda: [torch.mm(d.T,s,out_dtype=torch.float32) for d,s in zip(dy.split(I,1),nar.split(64,1))])
    rec(f"gu dB separate bf16 n={n}", lambda: [(d.T@s) for d,s in zip(dy.split(I,1),nar.split(64,1))])
    rec(f"gu dB whole fp32 n={n}", lambda: torch.mm(dy.T,nar,out_dtype=torch.float32))
    rec(f"gu dB bmm n={n}", lambda: torch.bmm(dy.view(n,2,I).permute(1,2,0), nar.view(n,2,64).permute(1,0,2)))
    A=r(128,H); dn=r(n,H+128)
    rec(f"gu A x n={n}", lambda: x@A.T)
    rec(f"gu dA fp32 n={n}", lambda: torch.mm(nar.T,x,out_dtype=torch.float32))
    rec(f"gu dA bf16 n={n}", lambda: nar.T@x)
    rec(f"gu dx addmm strided n={n}", lambda: dn[:,:H].addmm_(dn[:,H:],A))
    rec(f"gu dx addmm contiguous n={n}", lambda: x.addmm_(nar,A))
    W=r(H,I); Wt=r(H+64,I); x=r(n,I); dy=r(n,H); dyr=r(n,H+64)
    rec(f"down fwd plain n={n}", lambda: x@W.T, 2*n*H*I)
    rec(f"down fwd riding n={n}", lambda: x@Wt.T, 2*n*H*I)
    A=r(64,I); rec(f"down A x n={n}", lambda: x@A.T)
    s=r(n,64); B=r(H,64); y=r(n,H+64)
    rec(f"down y addmm n={n}", lambda: y[:,:H].addmm_(s,B.T))
    rec(f"down bwd plain n={n}", lambda: dy@W, 2*n*H*I)
    rec(f"down bwd riding n={n}", lambda: dyr@Wt, 2*n*H*I)
    rec(f"down dB n={n}", lambda: torch.mm(dy.T,s,out_dtype=torch.float32))
    rec(f"down dA n={n}", lambda: torch.mm(s.T,x,out_dtype=torch.float32))
    W=r(4096,H); Wr=r(4096,H+192); x=r(n,H); xr=r(n,H+192); dy=r(n,4096)
    rec(f"qkv fwd plain n={n}", lambda: F.linear(x,W), 2*n*H*4096)
    rec(f"qkv fwd riding n={n}", lambda: F.linear(xr,Wr), 2*n*H*4096)
    rec(f"qkv bwd plain n={n}", lambda: dy@W, 2*n*H*4096)
    rec(f"qkv bwd riding n={n}", lambda: dy@Wr, 2*n*H*4096)
    nar=r(n,192)
    def sepq(): return [torch.mm(d.T,s,out_dtype=torch.float32) for d,s in zip(dy.split((2048,1024,1024),1),nar.split(64,1))]
    rec(f"qkv dB separate n={n}", sepq)
    rec(f"qkv dB whole n={n}", lambda: torch.mm(dy.T,nar,out_dtype=torch.float32))
x=r(N,H); h=r(N,H); w=r(H)
rec("add_norm", lambda: kernels.add_norm(x,h,w,1e-5,128), None, 4*N*H*2)
tot,nn,sc=kernels.add_norm(x,h,w,1e-5)
rec("add_norm_backward", lambda: kernels.add_norm_backward(x,h,tot,w,sc), None, 4*N*H*2)
g=r(N,2*I); d=r(N,I)
rec("gate", lambda: kernels.gate(g), None, 3*N*I*2)
rec("gate_backward", lambda: kernels.gate_backward(d,g), None, 6*N*I*2)
q=r(N,4096); c=r(N,128)
rec("rotate", lambda: kernels.rotate(q,c,c,24), None, 2*N*3072*2)
V=92544
head=r(V,H); hs=r(4096,H)
rec("logits 4096", lambda: hs@head.T, 2*4096*V*H)
lg=hs@head.T; tg=torch.randint(V,(4096,),device=dev); ww=torch.ones(4096,device=dev)
rec("cross entropy 4096", lambda: kernels.cross_entropy(lg,tg,ww), None, 3*4096*V*2)
rec("dhidden 4096", lambda: lg@head, 2*4096*V*H)
del lg
# attention
L=[x[0] for x in json.load(open("benchmarks/alpaca_lengths.json"))]
def pack(n):
    ends=[0]
    for l in L:
        if ends[-1]+l>n: break
        ends.append(ends[-1]+l)
    return ends
for n in (16384,4096):
  ends=pack(n); bo=torch.tensor(ends,dtype=torch.int32,device=dev); M=ends[-1]; longest=1024
  qkv=r(M,32,128)*10; out=r(M,2048); do=r(M,2048)
  q,k,v=qkv.split((16,8,8),1)
  o,sp,st,un,_=torch.ops.aten._flash_attention_forward(q,k,v,bo,bo,longest,longest,0.0,True,False)
  rec(f"aten flash fwd n={n}", lambda: torch.ops.aten._flash_attention_forward(q,k,v,bo,bo,longest,longest,0.0,True,False))
  d3=do.view(M,16,128)
  rec(f"aten flash bwd n={n}", lambda: torch.cat(torch.ops.aten._flash_attention_backward(d3,q,k,v,o,sp,bo,bo,longest,longest,0.0,True,st,un),1))
  try:
    ks,vs=k.contiguous(),v.contiguous(); qs=q.contiguous()
    co=torch.ops.aten._cudnn_attention_forward(qs,ks,vs,None,bo,bo,longest,longest,True,0.0,True,False)
    rec(f"cudnn fwd n={n}", lambda: torch.ops.aten._cudnn_attention_forward(qs,ks,vs,None,bo,bo,longest,longest,True,0.0,True,False))
    rec(f"cudnn bwd n={n}", lambda: torch.ops.aten._cudnn_attention_backward(d3,qs,ks,vs,co[0],co[1],co[6],co[7],torch.empty(0,device=dev),bo,bo,longest,longest,0.0,True))
    print("cudnn err", (co[0].view(M,-1).float()-o.view(M,-1).float()).abs().max().item())
  except Exception as e: print("cudnn FAILED", repr(e)[:300])
  for f in [(128,64,8,3),(128,64,8,2),(128,64,4,2),(64,64,4,3),(64,64,4,2),(128,128,8,2)]:
    flash._blocks=lambda q,f=f:(f,(128,64,8,2),(64,128,8,2))
    rec(f"triton fwd {f} n={n}", lambda: flash.forward(qkv,16,bo,longest,out))
  ref=o.reshape(M,-1).float(); print("triton err",(out.float()-ref).abs().max().item(), ref.abs().max().item())
  flash._blocks=lambda q:((128,64,8,3),(128,64,8,2),(64,128,8,2))
  sp2=flash.forward(qkv,16,bo,longest,out)
  base=flash.backward(do,qkv,16,bo,longest,out,sp2)
  wanted=torch.cat(torch.ops.aten._flash_attention_backward(d3,q,k,v,o,sp,bo,bo,longest,longest,0.0,True,st,un),1)
  print("triton bwd err",(base.float()-wanted.float()).norm().item()/wanted.float().norm().item())
  for g1 in [(128,64,8,2),(64,64,4,2),(64,64,4,3),(128,64,4,2),(64,128,8,2),(64,32,4,3)]:
    flash._blocks=lambda q,g=g1:((128,64,8,3),g,(64,64,4,1))
    rec(f"triton bwd dq {g1} (dkv 64,64,4,1) n={n}", lambda: flash.backward(do,qkv,16,bo,longest,out,sp2))
  for g2 in [(64,64,4,1),(64,64,4,2),(64,128,8,2),(64,128,8,1),(32,64,4,2),(32,128,8,2),(32,128,4,2),(64,64,8,2),(128,64,8,1)]:
    flash._blocks=lambda q,g=g2:((128,64,8,3),(64,64,4,2),g)
    rec(f"triton bwd dkv {g2} (dq 64,64,4,2) n={n}", lambda: flash.backward(do,qkv,16,bo,longest,out,sp2))
from bitsandbytes.functional import quantize_4bit, dequantize_4bit
from core.engine.unpack import unpack
w=r(8192,2048); dq,st=quantize_4bit(w,compress_statistics=True,quant_type="nf4")
wr=r(8192,2176)
rec("bnb dequantize 16.8M", lambda: dequantize_4bit(dq,st), None, 8192*2048*2.5)
rec("ours unpack 16.8M", lambda: unpack(dq,st,wr[:,:2048]), None, 8192*2048*2.5)
print("unpack equal", torch.equal(wr[:,:2048],dequantize_4bit(dq,st)))
g=torch.randn(69_206_016,device=dev)
opt=torch.optim.AdamW([torch.nn.Parameter(g.clone())],lr=1e-4,fused=True); opt.param_groups[0]["params"][0].grad=g
rec("adamw 69M", lambda: opt.step(), None, 69_206_016*28)
rec("copy 1 GiB", lambda: torch.empty_like(g).copy_(g), None, 69_206_016*8)
json.dump(R,open(sys.argv[1],"w")) if len(sys.argv)>1 else None
