// Says what V8 believes, then waits to be told to end.
const { heap_size_limit: ceiling } = require('v8').getHeapStatistics()
const told = process.env.NODE_OPTIONS || null
console.log(JSON.stringify({ pid: process.pid, version: process.version, ceiling, told }))
process.on('SIGTERM', () => { console.log('TERM'); process.exit(0) })
setInterval(() => {}, 1000)
