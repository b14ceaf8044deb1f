# A judging backend. Languages are chosen at build time: --build-arg LANGUAGES="cpp java python3 javascript".
# How it is run, and with which rights at least, is in the README ("In a container").
FROM debian:12-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev libcap-dev libseccomp2 python3 python3-dev \
    python3-venv
COPY . /src
RUN python3 -m venv /opt/sandbox && /opt/sandbox/bin/pip install --no-cache-dir "/src[service]"

FROM debian:12-slim
ARG LANGUAGES="c cpp java javascript python3"
RUN apt-get update && apt-get install -y --no-install-recommends libseccomp2 python3 && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/sandbox /opt/sandbox
COPY scripts/languages scripts/apt /opt/share/scripts/
COPY policies /opt/share/policies
RUN ln -s /opt/sandbox/bin/sandbox /usr/local/bin/sandbox && /opt/share/scripts/languages $LANGUAGES \
    && rm -rf /var/lib/apt/lists/* && install -d -m 700 /var/lib/sandbox
VOLUME /var/lib/sandbox
EXPOSE 8075
HEALTHCHECK --interval=10s --timeout=3s CMD ["/opt/sandbox/bin/python", "-c", \
    "import urllib.request as u; u.urlopen('http://127.0.0.1:8075/readyz', timeout=2)"]
ENTRYPOINT ["sandbox", "serve", "--host", "0.0.0.0"]
