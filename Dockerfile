# docker build -t pmlcli .                        core and boost
# docker build -t pmlcli --build-arg EXTRAS=all . everything but pm4py; torch in its default build
FROM python:3.13-slim
ARG EXTRAS=boost
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY pmlcli pmlcli
COPY sample_logs sample_logs
RUN pip install --no-cache-dir -c constraints.txt ".[$EXTRAS]" && rm -rf /src
RUN useradd --create-home analyst
USER analyst
WORKDIR /data
ENTRYPOINT ["pmlcli"]
CMD ["--help"]
