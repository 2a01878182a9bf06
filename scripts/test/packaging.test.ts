// What is published is made of the sources by these; `npm run prove:packages` uses it.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkFiles } from '../../interop/packages/tarballs.ts';
import { namingModules } from '../packaging/module-names.ts';
import { ROOT } from '../packaging/places.ts';
import { libraryManifest, programManifest } from '../packaging/published-manifest.ts';
import { sourcePackages, type Manifest } from '../packaging/source-packages.ts';

const MANIFEST: Manifest = {
  name: '@odradek/example',
  version: '1.2.3',
  description: 'an example',
  license: 'Apache-2.0',
  type: 'module',
  engines: { node: '>=24' },
  exports: { '.': './src/index.ts', './part': './src/part/index.ts', './*': './src/*' },
  dependencies: { '@odradek/protocol': '1.2.3', other: '4.5.6' },
};

test('what was made of a source names what was made of the others, and nothing else is changed', () => {
  const cases: readonly [string, string][] = [
    ['import { a } from "./a.ts";', 'import { a } from "./a.js";'],
    ["export * from '../b/c.ts';", "export * from '../b/c.js';"],
    ["export * from '@odradek/protocol/errors.ts';", "export * from '@odradek/protocol/errors.js';"],
    ["import '@odradek/schema-registry/a.ts';", "import '@odradek/schema-registry/a.js';"],
    ['const d = await import("./d.ts");', 'const d = await import("./d.js");'],
    ['let e: import("./e.ts").E;', 'let e: import("./e.js").E;'],
    ['import "./f.ts";', 'import "./f.js";'],
    ["import { g } from 'other/g.ts';", "import { g } from 'other/g.ts';"],
    ["const h = './h.ts';", "const h = './h.ts';"],
    ["import { i } from '@odradek/client';", "import { i } from '@odradek/client';"],
  ];
  for (const [source, made] of cases) assert.equal(namingModules(source), made);
});

test('a published manifest names modules and declarations where the workspace names sources', () => {
  const published = libraryManifest({ folder: 'example', manifest: MANIFEST, isProgram: false });
  assert.deepEqual(published, {
    name: '@odradek/example',
    version: '1.2.3',
    description: 'an example',
    license: 'Apache-2.0',
    type: 'module',
    engines: { node: '>=24' },
    sideEffects: false,
    exports: {
      '.': { types: './lib/index.d.ts', default: './lib/index.js' },
      './part': { types: './lib/part/index.d.ts', default: './lib/part/index.js' },
      './*.js': { types: './lib/*.d.ts', default: './lib/*.js' },
      './package.json': './package.json',
    },
    files: ['lib', 'native'],
    dependencies: { '@odradek/protocol': '1.2.3', other: '4.5.6' },
  });
});

test('an export that is no source is refused', () => {
  const manifest = { ...MANIFEST, exports: { '.': './bin/main.js' } };
  assert.throws(
    () => libraryManifest({ folder: 'example', manifest, isProgram: false }),
    /@odradek\/example exports \., which is not a source/,
  );
});

test('a program needs what was left out of its bundle, in the version of the workspace, and nothing else', () => {
  const library = { folder: 'example', manifest: MANIFEST, isProgram: false };
  const { exports: _, ...rest } = MANIFEST;
  const program = { folder: 'program', manifest: { ...rest, bin: { run: './bin/run.js' } }, isProgram: true };
  const bundle = { main: 'dist/run.js', external: ['other'] };
  const published = programManifest(program, bundle, [library, program]) as Record<string, unknown>;
  assert.deepEqual(published['dependencies'], { other: '4.5.6' });
  assert.deepEqual(published['bin'], { run: 'dist/run.js' });
  const unknown = { ...bundle, external: ['nobody'] };
  assert.throws(() => programManifest(program, unknown, [library, program]), /no package depends on nobody/);
});

test('every package says what it is', () => {
  const silent = sourcePackages().filter(({ manifest }) => !manifest.description);
  assert.deepEqual(
    silent.map(({ folder }) => folder),
    [],
  );
});

test('what our packages export is there', () => {
  const targets = sourcePackages().flatMap(({ folder, manifest }) =>
    [...Object.values(manifest.exports ?? {}), ...Object.values(manifest.bin ?? {})]
      .filter((target) => !String(target).includes('*'))
      .map((target) => join('packages', folder, String(target))),
  );
  assert.deepEqual(
    targets.filter((path) => !existsSync(join(ROOT, path))),
    [],
  );
});

test('a tarball with a test or a source, or without its licence, is refused', () => {
  const required = ['package/LICENSE', 'package/README.md', 'package/package.json'];
  const good = [...required, 'package/lib/a.js', 'package/lib/a.d.ts'];
  const tarball = { path: '', name: 'example', packedBytes: 0 };
  checkFiles({ ...tarball, files: good });
  for (const foreign of ['package/lib/a.ts', 'package/test/a.js', 'package/lib/a.test.js']) {
    assert.throws(() => checkFiles({ ...tarball, files: [...good, foreign] }), /example holds package/);
  }
  assert.throws(() => checkFiles({ ...tarball, files: good.slice(1) }), /example lacks package\/LICENSE/);
});
