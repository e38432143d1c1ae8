'use strict';
// uWebSockets.js as one of the servers that are compared: what internal/server says of them all. The argument is a mode of internal/mode.

const uWS = require('uwebsockets');
const lines = require('../lines.js');

// With takeover there is one of its sizes for each window that it can do; they differ in more than the window, which is all that is agreed on.
const modes = {
  off: uWS.DISABLED,
  on: uWS.SHARED_COMPRESSOR | uWS.SHARED_DECOMPRESSOR,
  takeover: uWS.DEDICATED_COMPRESSOR | uWS.DEDICATED_DECOMPRESSOR,
  'takeover-12': uWS.DEDICATED_COMPRESSOR_32KB | uWS.DEDICATED_DECOMPRESSOR_4KB,
  'takeover-9': uWS.DEDICATED_COMPRESSOR_3KB | uWS.DEDICATED_DECOMPRESSOR_512B,
};

const mode = process.argv[2];
const compress = mode !== 'off';
let members = 0;

const common = {
  compression: modes[mode],
  maxPayloadLength: 1 << 20,
  maxBackpressure: 4 << 20,
};

const app = uWS.App()
  .ws('/broadcast', {
    ...common,
    open: (ws) => { ws.subscribe('room'); members++; },
    message: (ws, data, binary) => app.publish('room', data, binary, compress),
    close: () => { members--; },
  })
  .ws('/*', {
    ...common,
    message: (ws, data, binary) => ws.send(data, binary, compress),
  })
  .listen('127.0.0.1', 0, (socket) => {
    if (!socket) throw new Error('cannot listen');
    lines(uWS.us_socket_local_port(socket), () => members);
  });
