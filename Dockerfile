# The server. Build: docker build -t headrace . ; --build-arg TORCH_INDEX=<index of a build> for torch without, or with
# another, CUDA.
# Run:  docker run --rm -p 127.0.0.1:8000:8000 -v headrace:/var/lib/headrace headrace zoo:tiny-llama
# With keys: -v ./keys.txt:/run/keys.txt:ro, and --api-key /run/keys.txt behind the model's name.
FROM python:3.11-slim AS build
ARG TORCH=torch==2.13.0
ARG TORCH_INDEX=
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/headrace
RUN /opt/headrace/bin/pip install ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} "$TORCH"
WORKDIR /src
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY src src
RUN /opt/headrace/bin/pip install '.[server,hf]'

FROM python:3.11-slim
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/headrace headrace \
 && chmod 0700 /var/lib/headrace
COPY --from=build /opt/headrace /opt/headrace
# One thread a worker, and no spinning: workers share the cores.
ENV PATH=/opt/headrace/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    OMP_NUM_THREADS=1 \
    OMP_WAIT_POLICY=PASSIVE \
    HF_HOME=/var/lib/headrace/hub
USER headrace
WORKDIR /var/lib/headrace
VOLUME /var/lib/headrace
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=120s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health', timeout=2)"]
ENTRYPOINT ["headrace", "serve", "--host", "0.0.0.0", "--port", "8000", "--state", "/var/lib/headrace/sessions"]
CMD ["zoo:tiny-llama"]
