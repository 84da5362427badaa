FROM debian:12
CMD cd /app && exec node server.js
