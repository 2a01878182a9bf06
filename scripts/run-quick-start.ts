// Runs the commands of the README's quick start word for word, in a fresh clone: what serves is left running while
// the commands after it are tried, until another one that serves takes its place.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '..');
const SERVING = /listens on|listening/i;
const START_DEADLINE_MS = 180_000;
const COMMAND_DEADLINE_MS = 60_000;

function quickStartBlocks(readme: string): string[] {
  const [, section = ''] = /^## Quick start\n([\s\S]*?)^## /m.exec(readme) ?? [];
  return [...section.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map((match) => match[1]!.trim());
}

function isServer(block: string): boolean {
  return /npm start/.test(block);
}

/** Resolves once the output says that the broker serves. */
function startServer(block: string, folder: string): Promise<ChildProcess> {
  const child = spawn('bash', ['-euo', 'pipefail', '-c', block], {
    cwd: folder,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return new Promise((resolveStart, reject) => {
    const deadline = setTimeout(() => reject(new Error(`not serving in time: ${block}`)), START_DEADLINE_MS);
    child.once('exit', (code) => reject(new Error(`ended with ${code}: ${block}`)));
    child.stdout!.on('data', (chunk: Buffer) => {
      process.stdout.write(chunk);
      if (!SERVING.test(chunk.toString())) return;
      clearTimeout(deadline);
      child.removeAllListeners('exit');
      resolveStart(child);
    });
  });
}

async function stopServer(child: ChildProcess | null): Promise<void> {
  if (child === null || child.exitCode !== null) return;
  const ended = new Promise((resolveEnd) => child.once('exit', resolveEnd));
  process.kill(-child.pid!, 'SIGTERM');
  await ended;
}

function runCommands(block: string, folder: string): void {
  execFileSync('bash', ['-euxo', 'pipefail', '-c', block], {
    cwd: folder,
    stdio: ['ignore', 'inherit', 'inherit'],
    timeout: COMMAND_DEADLINE_MS,
  });
}

const blocks = quickStartBlocks(readFileSync(join(ROOT, 'README.md'), 'utf8'));
if (blocks.length < 3)
  throw new Error(`the quick start has ${blocks.length} blocks of commands, 3 or more expected`);
const folder = mkdtempSync(join(tmpdir(), 'odradek-quick-start-'));
let server: ChildProcess | null = null;
try {
  execFileSync('git', ['clone', '--quiet', ROOT, folder]);
  for (const block of blocks) {
    console.log(`--- ${block}`);
    if (isServer(block)) {
      await stopServer(server);
      server = await startServer(block, folder);
    } else {
      runCommands(block, folder);
    }
  }
  console.log(`the quick start works: ${blocks.length} blocks of commands ran as they stand`);
} finally {
  await stopServer(server);
  rmSync(folder, { recursive: true, force: true });
}
