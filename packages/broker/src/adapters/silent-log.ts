import type { LogSink } from '@odradek/core/ports/log-sink.ts';

/** Says nothing: for brokers in other people's tests. */
export const silentLog: LogSink = {
  debug() {},
  info() {},
  warn() {},
  error() {},
};
