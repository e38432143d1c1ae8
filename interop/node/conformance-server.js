'use strict';
// An echo server built from Node's ws, for the conformance suite: compression on, messages up to 16 MiB. It prints one line with its URL.
// It ends when its standard input does, or by a signal.

const { WebSocketServer } = require('ws');

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: true, maxPayload: 16 << 20 });

server.on('connection', (ws) => {
  ws.on('error', () => {}); // ws has sent its Close already
  ws.on('message', (data, binary) => ws.send(data, { binary }));
});

server.on('listening', () => console.log(`listening on ws://127.0.0.1:${server.address().port}`));
process.stdin.resume().on('end', () => process.exit(0)).on('error', () => process.exit(0));
