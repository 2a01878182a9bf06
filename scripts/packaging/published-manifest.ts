import { NATIVE_FOLDER } from './native-modules.ts';
import type { Manifest, SourcePackage } from './source-packages.ts';

/** Where a published package keeps its modules. */
export const MODULES_FOLDER = 'lib';

/**
 * What npm reads of a package whose modules are imported. Where the workspace names sources, it names what was made
 * of them; packages reach each other's modules by their paths, as in the workspace.
 *
 * @throws Error when something is exported that is not a source
 */
export function libraryManifest({ manifest }: SourcePackage): object {
  const { name, version, description, license, type, engines } = manifest;
  return {
    ...{ name, version, description, license, type, engines },
    // Nothing happens when a module is loaded but that its names come to be: what is not used can be left out.
    sideEffects: false,
    exports: { ...publishedExports(manifest), './package.json': './package.json' },
    files: [MODULES_FOLDER, NATIVE_FOLDER],
    ...requirements(manifest),
  };
}

/**
 * What npm reads of a package that is run.
 *
 * @param bundle what was bundled, and what was left to be found beside it
 * @throws Error when no package of the workspace says which version of a module left out it needs
 */
export function programManifest(
  { manifest }: SourcePackage,
  bundle: { readonly main: string; readonly external: readonly string[] },
  workspace: readonly SourcePackage[],
): object {
  const { name, version, description, license, type, engines, bin = {} } = manifest;
  const versions = Object.assign({}, ...workspace.map((each) => each.manifest.dependencies ?? {})) as Record<
    string,
    string
  >;
  const dependencies = bundle.external.map((module) => {
    const wanted = versions[module];
    if (wanted === undefined) throw new Error(`no package depends on ${module}, which ${name} needs`);
    return [module, wanted];
  });
  return {
    ...{ name, version, description, license, type, engines },
    bin: Object.fromEntries(Object.keys(bin).map((command) => [command, bundle.main])),
    files: [MODULES_FOLDER, NATIVE_FOLDER, 'THIRD-PARTY-LICENSES'],
    dependencies: Object.fromEntries(dependencies),
  };
}

function publishedExports({ name, exports = {} }: Manifest): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(exports).map(([subpath, target]) => {
      if (subpath === './*' && target === './src/*') return ['./*.js', conditions('*')];
      const module = typeof target === 'string' ? /^\.\/src\/(.+)\.ts$/.exec(target)?.[1] : undefined;
      if (module === undefined) throw new Error(`${name} exports ${subpath}, which is not a source`);
      return [subpath, conditions(module)];
    }),
  );
}

function conditions(module: string): object {
  return { types: `./${MODULES_FOLDER}/${module}.d.ts`, default: `./${MODULES_FOLDER}/${module}.js` };
}

function requirements({ dependencies, peerDependencies, peerDependenciesMeta }: Manifest): object {
  return {
    ...(dependencies && { dependencies }),
    ...(peerDependencies && { peerDependencies }),
    ...(peerDependenciesMeta && { peerDependenciesMeta }),
  };
}
