// A service whose memory is told what to do: `growth.js NAME=VALUE…`, then lines on stdin, one per tick:
//   REQUESTS LEAK NATIVE HELD WARM
// REQUESTS are handled (garbage of `garbage` bytes each, one look into a cache of `keys` possible keys that is
// bounded by `entries` and `bytes`, one of `slots` buffers replaced, `log` bytes written to a file that is
// rotated), LEAK bytes are kept on the heap and NATIVE bytes outside it for ever, sessions are opened or closed
// until HELD bytes are held, WARM functions are compiled. Each line is answered with the requests so far.
"use strict";
const fs = require("fs");

const told = { seed: 1, garbage: 0, keys: 0, entries: 0, bytes: 0, entry: 2048, slots: 0, log: 0 };
for (const word of process.argv.slice(2)) {
  const [name, value] = word.split("=");
  told[name] = Number(value);
}
let state = told.seed >>> 0 || 1;
function random(below) {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % below;
}
const piece = (bytes, mark) => new Array(Math.max(1, (bytes - 48) >> 3)).fill(mark);

const cache = new Map();
let cached = 0;
function ask(key) {
  const found = cache.get(key);
  if (found !== undefined) {
    cache.delete(key);
    cache.set(key, found);
    return;
  }
  const size = (told.entry >> 1) + random(told.entry);
  cache.set(key, piece(size, key));
  cached += size;
  while ((told.entries && cache.size > told.entries) || (told.bytes && cached > told.bytes)) {
    const [oldest, value] = cache.entries().next().value;
    cache.delete(oldest);
    cached -= (value.length << 3) + 48;
  }
}

const slots = [];
function replace() {
  const size = 256 << random(9);
  slots[random(told.slots)] = Buffer.allocUnsafeSlow(size + random(size)).fill(1);
}

const log = told.log ? fs.openSync("service.log", "w") : -1;
const line = Buffer.alloc(told.log, 46);
let logged = 0;
function note() {
  fs.writeSync(log, line, 0, line.length, logged);
  logged += line.length;
  if (logged > 24 << 20) {
    fs.ftruncateSync(log, 0);
    logged = 0;
  }
}

function request(id) {
  const page = [];
  for (let left = told.garbage; left > 0; left -= 1024) page.push(piece(1024, id));
  if (told.keys) ask(random(told.keys));
  if (told.slots) replace();
  if (log >= 0) note();
  return page.length;
}

const leaked = [];
const native = [];
const sessions = [];
let first = 0;
function hold(bytes) {
  const count = Math.floor(bytes / 4096);
  while (sessions.length - first < count) sessions.push(piece(4096, first));
  while (sessions.length - first > count) sessions[first++] = null;
  if (first > 4096 && first * 2 > sessions.length) {
    sessions.splice(0, first);
    first = 0;
  }
}

const compiled = [];
function warm(number) {
  const body = [];
  for (let at = 0; at < 60; at++) body.push(`const v${at} = a * ${number} + ${at}; t.push({ n${at}: v${at} });`);
  const made = new Function("a", "t", `${body.join("\n")}\nreturn t.length;`);
  for (let turn = 0; turn < 20; turn++) made(turn, []);
  compiled.push(made);
}

let done = 0;
function tick(words) {
  const [requests, leak, off, held, steps] = words;
  for (let at = 0; at < requests; at++) request(done++);
  for (let left = leak; left > 0; left -= 1024) leaked.push(piece(1024, done));
  for (let left = off; left > 0; left -= 16384) native.push(Buffer.alloc(16384, 1));
  hold(held);
  for (let at = 0; at < steps; at++) warm(compiled.length);
  process.stdout.write(`${done}\n`);
}

let rest = "";
process.stdin.setEncoding("utf8");
process.stdin.on("data", (text) => {
  const lines = (rest + text).split("\n");
  rest = lines.pop();
  for (const one of lines) tick(one.split(" ").map(Number));
});
