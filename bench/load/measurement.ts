import { cpuSecondsOf, rssBytesOf } from './broker-process.ts';
import type { LoadResult } from './load-spec.ts';

/** Counts what happens between the end of the warm-up and the end of the run. */
export class Measurement {
  bytes = 0;
  records = 0;
  requests = 0;
  private readonly brokerPids: readonly number[];
  private startedMs = 0;
  private brokerCpu = 0;
  private generatorCpu = 0;

  constructor(brokerPids: readonly number[]) {
    this.brokerPids = brokerPids;
  }

  /** From here on it counts; what was counted before is forgotten. */
  begin(): void {
    this.bytes = 0;
    this.records = 0;
    this.requests = 0;
    this.brokerCpu = sumOf(this.brokerPids, cpuSecondsOf);
    this.generatorCpu = cpuSecondsOf(process.pid);
    this.startedMs = performance.now();
  }

  end(): LoadResult {
    const seconds = (performance.now() - this.startedMs) / 1000;
    return {
      seconds,
      bytes: this.bytes,
      records: this.records,
      requests: this.requests,
      brokerCpuSeconds: sumOf(this.brokerPids, cpuSecondsOf) - this.brokerCpu,
      generatorCpuSeconds: cpuSecondsOf(process.pid) - this.generatorCpu,
      brokerRssBytes: sumOf(this.brokerPids, rssBytesOf),
    };
  }
}

function sumOf(pids: readonly number[], figureOf: (pid: number) => number): number {
  return pids.reduce((sum, pid) => sum + figureOf(pid), 0);
}
