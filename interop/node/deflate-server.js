'use strict';
// A server built from Node's ws that agrees on compression as the query says: /deflate?options=JSON, where JSON are the options of perMessageDeflate. It echoes; text that
// begins with "plain:" without compression, and text that begins with "parts:" in fragments with a ping between. It prints one line with its URL, and ends when its standard input does.

const http = require('node:http');
const { WebSocketServer } = require('ws');

const server = http.createServer();

server.on('upgrade', (req, socket, head) => {
  const options = JSON.parse(new URL(req.url, 'http://host').searchParams.get('options') ?? 'true');
  new WebSocketServer({ noServer: true, perMessageDeflate: options, maxPayload: 2 << 20 }).handleUpgrade(req, socket, head, (ws) => {
    ws.on('error', () => {}); // ws has sent its Close already
    ws.on('message', (data, binary) => {
      const word = binary ? '' : data.subarray(0, 6).toString();
      if (word === 'parts:') {
        for (let i = 0; i < 5; i++) {
          if (i === 4) ws.ping();
          ws.send(data.subarray(Math.floor(data.length * i / 5), Math.floor(data.length * (i + 1) / 5)), { binary, fin: i === 4 });
        }
        return;
      }
      ws.send(data, { binary, compress: word !== 'plain:' });
    });
  });
});

server.listen(0, '127.0.0.1', () => console.log(`listening on ws://127.0.0.1:${server.address().port}`));
process.stdin.resume().on('end', () => process.exit(0)).on('error', () => process.exit(0));
