'use strict';
// What internal/server's Main does for servers in Go: it prints the address, answers the questions that come on standard input with a line of JSON each,
// and ends when that does. "collect" needs node --expose-gc.

module.exports = function lines(port, members) {
  console.log(`127.0.0.1:${port}`);
  let rest = '';
  process.stdin.setEncoding('utf8');
  process.stdin.on('data', (data) => {
    const questions = (rest + data).split('\n');
    rest = questions.pop();
    for (const q of questions) {
      if (q === 'collect') global.gc();
      console.log(JSON.stringify({ Goroutines: 0, Members: members(), HeapAlloc: process.memoryUsage().heapUsed, GCs: 0, Counts: null }));
    }
  });
  process.stdin.on('end', () => process.exit(0)).on('error', () => process.exit(0));
};
