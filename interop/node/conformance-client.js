'use strict';
// Comes to a fuzzingserver for all its cases, as Node's ws, with compression offered. Usage: node conformance-client.js URL AGENT [PARALLEL]
// It ends when all is done, when its standard input ends, or by a signal; the status is 0 if the server could be reached to the last.

const WebSocket = require('ws');

const [url, name, parallel = '1'] = process.argv.slice(2);
const agent = encodeURIComponent(name);

// connect resolves when the connection has ended; each gets what comes.
function connect(path, each) {
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(url + path, { perMessageDeflate: true, maxPayload: 16 << 20 });
    let opened = false;
    ws.on('open', () => { opened = true; });
    ws.on('message', (data, binary) => each(ws, data, binary));
    ws.on('error', (error) => { if (!opened) reject(error); }); // what comes later is the suite's to judge
    ws.on('close', resolve);
  });
}

const echo = (ws, data, binary) => ws.send(data, { binary });

async function main() {
  let count = 0;
  await connect('/getCaseCount', (ws, data) => { count = Number(data.toString()); });
  let next = 1;
  const worker = async () => {
    while (next <= count) await connect(`/runCase?case=${next++}&agent=${agent}`, echo).catch(() => {});
  };
  await Promise.all(Array.from({ length: Number(parallel) }, worker));
  await connect(`/updateReports?agent=${agent}`, () => {});
}

process.stdin.resume().on('end', () => process.exit(1)).on('error', () => process.exit(1));
main().then(() => process.exit(0), (error) => {
  console.error(error.message);
  process.exit(1);
});
