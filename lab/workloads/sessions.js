// A service with a cache of sessions: `sessions.js LIVE REQUESTS BUFFERS HELD`.
// LIVE MiB of sessions are held, the oldest goes when a new one comes: garbage in the old space. Every hundredth
// request lists 8 MiB of numbers, and drops the list. Each request fills a Buffer of BUFFERS
// KiB; the last HELD of them are held. One line of metrics, as an exporter
// shows them, up to fifty times a second; `done N` when every request was answered and every answer was right.
const fs = require("fs");
const [live, requests, buffers, held] = process.argv.slice(2);
const PER_SESSION = 16; // KiB
const most = (Number(live) * 1024) / PER_SESSION;
const sessions = new Map();
const bodies = [];
let right = 0;
let shown = 0;

function session(id) {
  const baskets = [];
  for (let i = 0; i < 16; i++) baskets.push(new Array(128).fill(id + i));
  return baskets;
}

function metrics() {
  const status = fs.readFileSync("/proc/self/status", "utf8");
  const anonymous = Number(/RssAnon:\s+(\d+)/.exec(status)[1]) * 1024;
  const { heapTotal } = process.memoryUsage();
  const mib = (bytes) => Math.round(bytes / 1048576);
  console.log(`metrics heap=${mib(heapTotal)} outside=${Math.max(mib(anonymous - heapTotal), 1)}`);
}

function answer(id) {
  sessions.set(id, session(id));
  if (sessions.size > most) sessions.delete(sessions.keys().next().value);
  if (id % 100 === 0) {
    const list = [];
    for (let i = 0; i < 8; i++) list.push(new Array(131072).fill(id + i));
    if (list[7][131071] !== id + 7) return;
  }
  if (Number(buffers) > 0) {
    const body = Buffer.alloc(Number(buffers) * 1024, id & 255);
    bodies[id % Number(held)] = body;
    if (body[body.length - 1] !== (id & 255)) return;
  }
  const old = sessions.get(id - Math.floor(most / 2));
  if (old === undefined ? id < most : old[15][127] === old[0][0] + 15) right++;
}

function some(from) {
  const until = Math.min(from + 50, Number(requests));
  for (let id = from; id < until; id++) answer(id);
  if (Date.now() - shown > 20) {
    shown = Date.now();
    metrics();
  }
  if (until < Number(requests)) setImmediate(some, until);
  else {
    metrics();
    console.log(right === Number(requests) ? `done ${right}` : `wrong: ${right} of ${requests}`);
  }
}
some(0);
