/**
 * Writes packages/protocol/src/generated from packages/protocol/src/schema.
 *
 *     node scripts/generate-protocol.ts           writes the files and removes those without a schema
 *     node scripts/generate-protocol.ts --check   writes nothing; fails when a file is not what would be written
 */
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { apis, messages } from '../packages/protocol/src/schema/all.ts';
import { apiFile, apiTableFile, messagesOf } from './protocol-generator/api-file.ts';
import { messageFile } from './protocol-generator/message-file.ts';
import { kebabCase } from './protocol-generator/names.ts';

const OUTPUT = fileURLToPath(new URL('../packages/protocol/src/generated/', import.meta.url));

const check = process.argv.includes('--check');
const files = await generateFiles();
const stale = staleFiles(files);
if (check) reportStale(stale);
else writeFiles(files, stale);

async function generateFiles(): Promise<Map<string, string>> {
  const sources = new Map<string, string>([['api-table.ts', apiTableFile(apis)]]);
  for (const api of apis) sources.set(`apis/${kebabCase(api.name)}.ts`, apiFile(api));
  for (const message of [...apis.flatMap(messagesOf), ...messages]) {
    sources.set(`${kebabCase(message.name)}.ts`, messageFile(message));
  }
  const config = await resolveConfig(fileURLToPath(import.meta.url));
  const formatted = new Map<string, string>();
  for (const [name, source] of sources) {
    formatted.set(name, await format(source, { ...config, parser: 'typescript' }));
  }
  return formatted;
}

/** Names of files that differ from what they should be, including those that should not exist. */
function staleFiles(files: ReadonlyMap<string, string>): string[] {
  const existing = new Set(listFiles());
  const different = [...files].filter(
    ([name, text]) => !existing.has(name) || readFileSync(join(OUTPUT, name), 'utf8') !== text,
  );
  const surplus = [...existing].filter((name) => !files.has(name));
  return [...different.map(([name]) => name), ...surplus];
}

function listFiles(): string[] {
  try {
    return readdirSync(OUTPUT, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(OUTPUT.length));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function reportStale(stale: readonly string[]): void {
  if (stale.length === 0) return console.log('the generated files agree with the schemas');
  console.error(`not as the schemas say: ${stale.join(', ')}\nrun: npx node scripts/generate-protocol.ts`);
  process.exitCode = 1;
}

function writeFiles(files: ReadonlyMap<string, string>, stale: readonly string[]): void {
  for (const name of stale) {
    const path = join(OUTPUT, name);
    const text = files.get(name);
    if (text === undefined) rmSync(path);
    else {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
  }
  console.log(`${files.size} files, ${stale.length} changed`);
}
