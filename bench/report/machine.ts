import { execFileSync } from 'node:child_process';
import { cpus, loadavg, release, totalmem } from 'node:os';

/** On what it was measured, and with what: lines of "name: words". */
export function machineFacts(): Record<string, string> {
  const processors = cpus();
  const memoryGb = Math.round(totalmem() / 2 ** 30);
  return {
    date: new Date().toISOString().slice(0, 16),
    commit: said('git', ['rev-parse', '--short', 'HEAD']),
    machine: `${processors.length} cores ${processors[0]?.model ?? ''}, ${memoryGb} GB, Linux ${release()}`,
    runtime: `Node.js ${process.version}; ${said('java', ['-version']).split('\n')[0] ?? ''}`,
    // Of what else ran meanwhile: well above 2, times say little, and processor time per GB still does.
    'load average': loadavg()
      .map((load) => load.toFixed(1))
      .join(', '),
  };
}

function said(command: string, args: readonly string[]): string {
  try {
    // Java tells its version where errors go.
    return execFileSync('sh', ['-c', '"$@" 2>&1', 'sh', command, ...args], { encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}
