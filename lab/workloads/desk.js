// A server that holds a cache on V8's heap: `desk.js PORT ENTRIES`. It is full from the start on; each request replaces
// one of ENTRIES arrays of 512 KiB. Every line that comes is a request and is answered with `ok`.
'use strict';
const net = require('net');
const [port, entries] = process.argv.slice(2).map(Number);
const held = [];
let count = 0;
const request = () => {
  held[count % entries] = new Array(1 << 16).fill(count + 0.5);
  count += 1;
};
while (count < entries) {
  request();
}
net.createServer((guest) => {
  guest.on('error', () => {});
  guest.on('data', (bytes) => {
    for (const byte of bytes) {
      if (byte === 10) {
        request();
        guest.write('ok\n');
      }
    }
  });
}).listen(port, '127.0.0.1');
