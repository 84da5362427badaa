# syntax=docker/dockerfile:1
from debian:12 as build
run echo building \
    # a comment inside
    && true

FROM debian:12
ENTRYPOINT java -jar /app.jar
