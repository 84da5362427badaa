FROM python:3.12
RUN make -j$(nproc)
COPY <<EOF /etc/gunicorn.conf.py
import multiprocessing
workers = multiprocessing.cpu_count() * 2 + 1
EOF
CMD ["gunicorn", "-c", "/etc/gunicorn.conf.py", "app:app"]
