// Rules of the house that a machine can check.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { test } from 'node:test';

const root = resolve(import.meta.dirname, '../..');

/** Which packages a package may import; an arrow that is not here points the wrong way. */
const ALLOWED_IMPORTS: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  core: ['protocol'],
  broker: ['client', 'core', 'protocol'],
  client: ['protocol'],
  kafkajs: ['client', 'protocol'],
  patterns: ['broker', 'client', 'core', 'protocol'],
  cli: ['broker', 'client', 'patterns', 'protocol', 'testing'],
  'schema-registry': ['client', 'protocol'],
  streams: ['client', 'protocol'],
  testing: ['broker', 'client', 'core', 'protocol'],
};

/** What would make the core depend on a clock, chance, a disk, a socket or the order of promises. */
const BANNED_IN_CORE: readonly [RegExp, string][] = [
  [/\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b|\bhrtime\b/, 'a clock'],
  [/\bMath\.random\b|\brandomUUID\b|\brandomBytes\b/, 'randomness'],
  [/\bset(Timeout|Interval|Immediate)\b|\bqueueMicrotask\b|\bnextTick\b/, 'a timer'],
  [/from ['"]node:(?!assert)/, 'a module of the runtime'],
  [/\bPromise\b|\basync\b|\bawait\b/, 'a promise'],
];

const LINES_MAX = 600;
const LEFTOVER_NAMES = /(^|\/)(utils?|helpers?|misc|common)(\.ts|\/)/;

const sources = globSync('packages/*/src/**/*.ts', { cwd: root }).toSorted();
const handWritten = sources.filter((path) => !path.includes('/generated/'));
const everything = [
  ...handWritten,
  ...globSync(
    ['packages/*/bin/*.js', 'packages/*/test/**/*.ts', 'scripts/**/*.ts', 'interop/**/*.ts', 'bench/**/*.ts'],
    {
      cwd: root,
      exclude: (path) => path.includes('node_modules'),
    },
  ),
];

function read(path: string): string {
  return readFileSync(resolve(root, path), 'utf8');
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '');
}

function importsOf(path: string): string[] {
  const text = withoutComments(read(path));
  const found = text.matchAll(/(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g);
  return [...found].map((match) => match[1]!);
}

function packageOf(path: string): string {
  return path.split('/')[1]!;
}

function problemsIn(paths: readonly string[], check: (path: string) => string | null): string[] {
  return paths.flatMap((path) => {
    const problem = check(path);
    return problem === null ? [] : [`${path}: ${problem}`];
  });
}

test('there are sources to look at', () => {
  assert.ok(handWritten.length > 50, `${handWritten.length} files`);
});

test('packages import only what stands below them', () => {
  const problems = problemsIn(sources, (path) => {
    const own = packageOf(path);
    const allowed = ALLOWED_IMPORTS[own] ?? [];
    const wrong = importsOf(path)
      .map((specifier) => /^@odradek\/([a-z-]+)/.exec(specifier)?.[1])
      .filter((target) => target !== undefined && target !== own && !allowed.includes(target));
    return wrong.length > 0 ? `imports ${wrong.join(', ')}` : null;
  });
  assert.deepEqual(problems, []);
});

test('relative imports stay inside their package', () => {
  const problems = problemsIn(sources, (path) => {
    const home = resolve(root, 'packages', packageOf(path), 'src');
    const outside = importsOf(path).filter(
      (specifier) =>
        specifier.startsWith('.') && relative(home, resolve(root, dirname(path), specifier)).startsWith('..'),
    );
    return outside.length > 0 ? `imports ${outside.join(', ')}` : null;
  });
  assert.deepEqual(problems, []);
});

test('no files import each other in a circle', () => {
  const inProgress: string[] = [];
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (path: string): void => {
    const at = inProgress.indexOf(path);
    if (at >= 0) circles.push([...inProgress.slice(at), path].join(' -> '));
    if (at >= 0 || done.has(path)) return;
    inProgress.push(path);
    for (const specifier of importsOf(path)) {
      const target = resolveImport(path, specifier);
      if (target !== null && sources.includes(target)) visit(target);
    }
    inProgress.pop();
    done.add(path);
  };
  for (const path of handWritten) visit(path);
  assert.deepEqual(circles, []);
});

test('the core is deterministic', () => {
  const core = handWritten.filter((path) => packageOf(path) === 'core');
  const problems = problemsIn(core, (path) => {
    const text = withoutComments(read(path));
    const found = BANNED_IN_CORE.filter(([pattern]) => pattern.test(text)).map(([, what]) => what);
    return found.length > 0 ? `uses ${found.join(', ')}` : null;
  });
  assert.deepEqual(problems, []);
});

test('no file is too long to be read in one go, or named for leftovers', () => {
  const problems = problemsIn(everything, (path) => {
    const lines = read(path).split('\n').length;
    if (lines > LINES_MAX) return `${lines} lines, at most ${LINES_MAX}`;
    return LEFTOVER_NAMES.test(path) ? 'a name that says nothing' : null;
  });
  assert.deepEqual(problems, []);
});

test('no test is skipped or runs alone', () => {
  const tests = everything.filter((path) => path.endsWith('.test.ts') && !path.endsWith('tidy.test.ts'));
  const problems = problemsIn(tests, (path) =>
    /\b(it|test|describe)\.(skip|only|todo)\b|\{ *skip: *true/.test(read(path)) ? 'skips' : null,
  );
  assert.deepEqual(problems, []);
});

test('every file is used: imported, run, or a test', () => {
  const used = new Set<string>();
  for (const path of [...sources, ...everything]) {
    for (const specifier of importsOf(path)) {
      const target = resolveImport(path, specifier);
      if (target !== null) used.add(target);
    }
  }
  const manifests = globSync(['package.json', '*/package.json', 'packages/*/package.json', '.ci/run'], {
    cwd: root,
  })
    .map(read)
    .join('\n');
  const problems = problemsIn(handWritten, (path) => {
    const entry =
      /\/index\.ts$|\.d\.ts$/.test(path) || manifests.includes(path.split('/').slice(2).join('/'));
    return entry || used.has(path) || path.includes('/protocol/src/schema/') ? null : 'nothing imports it';
  });
  assert.deepEqual(problems, []);
});

function resolveImport(from: string, specifier: string): string | null {
  if (specifier.startsWith('.')) return relative(root, resolve(root, dirname(from), specifier));
  const match = /^@odradek\/([a-z-]+)(?:\/(.+))?$/.exec(specifier);
  if (match === null) return null;
  return `packages/${match[1]}/src/${match[2] ?? 'index.ts'}`;
}
