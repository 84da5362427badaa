FROM debian:12 AS tools
ENTRYPOINT /bin/tool --serve
FROM debian:12
COPY --from=tools /bin/tool /bin/tool
ENTRYPOINT ["/bin/tool"]
CMD ["--serve"]
