// An instance of the application that run.ts proves, until it is killed.
//   node interop/streams/worker.ts BOOTSTRAP DIRECTORY GUARANTEE
import { Streams } from '@odradek/streams/index.ts';
import { provedTopology } from './topology.ts';

const [bootstrapServers = '', directory = '', guarantee = ''] = process.argv.slice(2);

const streams = new Streams({
  bootstrapServers,
  applicationId: 'proved',
  topology: provedTopology(),
  guarantee: guarantee as 'exactly-once' | 'at-least-once',
  directory,
  commitIntervalMs: 50,
  // Few at a time, so that there are many transactions to be killed in.
  bufferedRecordsMax: 20,
  sessionTimeoutMs: 1_500,
  heartbeatIntervalMs: 200,
  transactionTimeoutMs: 3_000,
  fetchMaxWaitMs: 50,
  onEvent: (event) => {
    if (process.env['STREAMS_EVENTS'] !== undefined)
      process.stderr.write(`${directory} ${JSON.stringify(event)}\n`);
    if (event.type === 'aborted') process.stderr.write(`${String(event.error)}\n`);
  },
});
await streams.run();
