// Our ZooKeeper client, and a broker on it, beside real servers: the contract of the coordination port, faults, TLS
// and authentication. ZooKeeper and Kafka's tools come as jars; see scripts/zookeeper.ts.
//   npm run prove:zookeeper [-- part of a file's name]
import { globSync } from 'node:fs';
import { run, type EventData } from 'node:test';
import { spec } from 'node:test/reporters';

const wanted = process.argv[2] ?? '';
const files = globSync('*.test.ts', { cwd: import.meta.dirname })
  .filter((name) => name.includes(wanted))
  .map((name) => `${import.meta.dirname}/${name}`)
  .toSorted();

let passed = 0;
let failed = 0;
// One file after the other: three servers and a broker at once are enough for a small machine.
const tests = run({ files, concurrency: 1, timeout: 180_000 });
const isSuite = (data: EventData.TestPass | EventData.TestFail) => data.details.type === 'suite';
tests.on('test:pass', (data) => {
  if (!isSuite(data)) passed += 1;
});
tests.on('test:fail', (data) => {
  if (!isSuite(data)) failed += 1;
});
for await (const text of tests.compose(new spec())) process.stdout.write(text as string);
if (passed === 0) failed += 1;
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
