# A service host in a container. It makes boxes of its own, and so needs what a container usually lacks; see
# `sandbox doctor` inside it for what is still missing:
#   docker build -t sandbox-runner .
#   docker run --rm --privileged --cgroupns=private sandbox-runner doctor
FROM debian:12-slim AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends gcc libc6-dev libcap-dev python3-dev python3-venv \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN python3 -m venv /opt/sandbox && /opt/sandbox/bin/pip install --no-cache-dir .

FROM debian:12-slim
# libseccomp2 for the filters; the rest are the languages of the policies, of which a deployment keeps what it offers.
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
        libseccomp2 python3 gcc g++ libc6-dev default-jdk-headless nodejs \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/sandbox /opt/sandbox
ENTRYPOINT ["/opt/sandbox/bin/sandbox"]
CMD ["doctor"]
