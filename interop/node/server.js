'use strict';
// A server built from Node's ws, for clients under test. It prints one line with its URL. What a path does is written in ../golibs/serve_test.go.
// It ends when its standard input does, or by a signal.

const { WebSocketServer } = require('ws');

const limit = 1 << 20;

function refusal(path) {
  switch (path) {
    case '/refuse': return [418, 'short and stout\n'];
    case '/refuse-long': return [418, '0123456789'.repeat(400)];
    case '/moved': return [302, ''];
    default: return null;
  }
}

const server = new WebSocketServer({
  host: '127.0.0.1',
  port: 0,
  maxPayload: limit,
  handleProtocols: (offered) => (offered.has('chat.v2') ? 'chat.v2' : false),
  verifyClient: ({ req }, answer) => {
    const path = new URL(req.url, 'ws://host').pathname;
    const no = refusal(path);
    if (!no) return answer(true);
    const headers = { 'X-Why': 'teapot' };
    if (path === '/moved') headers.Location = '/';
    return answer(false, no[0], no[1], headers);
  },
});

server.on('headers', (headers, req) => {
  if (req.headers['x-ask']) headers.push(`X-Answer: ${req.headers['x-ask']}`);
});

server.on('connection', (ws, req) => {
  const { pathname, searchParams } = new URL(req.url, 'ws://host');
  ws.on('error', () => {}); // ws has sent its Close already
  ws.on('message', (data, binary) => {
    switch (pathname) {
      case '/goodbye': {
        const code = Number(searchParams.get('code'));
        if (code === 1005) ws.close();
        else ws.close(code, searchParams.get('reason'));
        break;
      }
      case '/ping':
        ws.once('pong', () => ws.send('pong'));
        ws.ping(data);
        break;
      case '/fragments':
        for (let i = 0; i < 5; i++) {
          if (i === 4) ws.ping('between');
          ws.send(data.subarray(Math.floor(data.length * i / 5), Math.floor(data.length * (i + 1) / 5)), { binary, fin: i === 4 });
        }
        break;
      case '/big':
        ws.send(Buffer.alloc(Number(searchParams.get('n'))));
        break;
      case '/dirty':
        ws.send(Buffer.from('616263eda080646566', 'hex'), { binary: false });
        break;
      case '/vanish':
        ws.terminate();
        break;
      default:
        ws.send(data, { binary });
    }
  });
});

server.on('listening', () => console.log(`listening on ws://127.0.0.1:${server.address().port}`));
process.stdin.resume().on('end', () => process.exit(0)).on('error', () => process.exit(0));
