# edgeenc as a container: the wheel and its packages in one virtual environment, run by a user without rights.
#
#   docker build -t edgeenc .
#   docker build -t edgeenc --build-arg TORCH_INDEX=<address of a wheel index with CPU builds of torch> .
#   docker run --rm --user "$(id -u)" -e XDG_CACHE_HOME=/data/.cache -v "$PWD:/data" edgeenc build --lang tl --target onnx
#
# Without TORCH_INDEX torch comes from the package index, which on x86 Linux brings the CUDA libraries along.

ARG PYTHON=3.11

FROM python:${PYTHON}-slim-bookworm AS build
ARG TORCH_INDEX
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
WORKDIR /src
RUN python -m venv /opt/edgeenc
ENV PATH=/opt/edgeenc/bin:$PATH
# Packages before the source: a change of the source leaves this layer, the big one, as it is.
COPY constraints.txt ./
# --no-deps: such an index holds torch, not the pinned versions of what torch needs; those come with the rest below.
RUN if [ -n "${TORCH_INDEX:-}" ]; then \
      pip install --no-deps --index-url "${TORCH_INDEX}" --constraint constraints.txt torch; \
    fi
COPY pyproject.toml README.md LICENSE ./
COPY recipes recipes
COPY edgeenc edgeenc
RUN pip install --constraint constraints.txt .

FROM python:${PYTHON}-slim-bookworm
RUN useradd --create-home --uid 10001 edgeenc \
 && install --directory --owner=edgeenc --group=edgeenc /data /home/edgeenc/.cache
COPY --from=build /opt/edgeenc /opt/edgeenc
ENV PATH=/opt/edgeenc/bin:$PATH PYTHONDONTWRITEBYTECODE=1
USER 10001
WORKDIR /data
VOLUME ["/data", "/home/edgeenc/.cache"]
ENTRYPOINT ["edgeenc"]
CMD ["--help"]
