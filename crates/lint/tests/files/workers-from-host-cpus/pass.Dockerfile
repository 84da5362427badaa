FROM python:3.12
RUN make -j$(nproc)
ENV WEB_CONCURRENCY=2
CMD ["gunicorn", "app:app"]
