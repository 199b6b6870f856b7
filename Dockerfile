# The studio in a container, for a Hugging Face Docker Space or any host. Build needs no GPU.
FROM python:3.11-slim

RUN apt-get update \
 && apt-get install -y --no-install-recommends make gcc g++ git procps \
 && rm -rf /var/lib/apt/lists/* \
 && useradd -m -u 1000 user

USER user
ENV HOME=/home/user \
    HOST=0.0.0.0 \
    PORT=7860 \
    STUDIO_HOME=/home/user/workspace
WORKDIR /home/user/app

COPY --chown=user requirements.txt requirements-model.txt Makefile ./
RUN make install
COPY --chown=user . .

EXPOSE 7860
CMD ["make", "run"]
