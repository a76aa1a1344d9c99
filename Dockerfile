# mixwright with what its flows need on a cluster: torch for proxies, Prefect's workers for containers.
#   docker build -t mixwright .
#   docker run --rm -v "$PWD:$PWD" -w "$PWD" mixwright recommend-mix experiments/sample.yaml
# A worker:  docker run --rm -e PREFECT_API_URL=… mixwright prefect worker start --pool mixwright
FROM python:3.11-slim

# The wheel of torch that pip finds is for CUDA. For machines without GPUs name the index of its CPU wheels.
ARG TORCH_INDEX=""
ENV PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PREFECT_SERVER_ANALYTICS_ENABLED=false DO_NOT_TRACK=1
WORKDIR /mixwright
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY classifiers classifiers
COPY flows flows
COPY mixes mixes
COPY pipeline pipeline
RUN if [ -n "$TORCH_INDEX" ]; then pip install -c constraints.txt --index-url "$TORCH_INDEX" torch; fi \
 && pip install -c constraints.txt '.[train,report,deploy]'
RUN useradd --create-home mixwright
USER mixwright
WORKDIR /home/mixwright
