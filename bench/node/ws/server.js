'use strict';
// Node's ws as one of the servers that are compared: what internal/server says of them all. The argument is a mode of internal/mode. What is not said
// here is as the library has it: zlib at its default level and memory, messages of 1024 octets and more compressed, 10 of them at a time.

const { WebSocketServer, WebSocket } = require('ws');
const lines = require('../lines.js');

const modes = {
  off: false,
  on: { serverNoContextTakeover: true, clientNoContextTakeover: true },
  takeover: {},
};

function deflate(mode) {
  if (mode in modes) return modes[mode];
  const bits = Number(mode.replace('takeover-', ''));
  return { serverMaxWindowBits: bits, clientMaxWindowBits: bits };
}

const room = new Set();

const server = new WebSocketServer({
  host: '127.0.0.1',
  port: 0,
  backlog: 4096,
  maxPayload: 1 << 20,
  perMessageDeflate: deflate(process.argv[2]),
});

server.on('connection', (ws, req) => {
  ws.on('error', () => {}); // ws has sent its Close already
  if (req.url === '/broadcast') {
    room.add(ws);
    ws.on('close', () => room.delete(ws));
    ws.on('message', (data, binary) => {
      for (const c of room) if (c.readyState === WebSocket.OPEN) c.send(data, { binary });
    });
    return;
  }
  ws.on('message', (data, binary) => ws.send(data, { binary }));
});

server.on('listening', () => lines(server.address().port, () => room.size));
