import { createRequire } from 'node:module';
import type { ActName } from './act-catalog';
import type { ScriptProvider } from './script-runner';

// Wrappers import the contracts' bindings as they are loaded, so nothing that imports wrappers may be loaded before the
// contracts are built. `import()` would not do: TypeScript keeps it, and Node's ES module loader knows no .ts files.
const load = createRequire(__filename);

type Script = (provider: ScriptProvider, args: string[]) => Promise<void>;

/** A blueprint script that runs the act of its name; builds the contracts first when they changed. */
export function actScript(name: ActName): Script {
    return async (provider, args) => (await loadRunner()).runActScript(name, provider, args);
}

export const deployNetworkScript: Script = async (provider, args) =>
    (await loadRunner()).runDeployNetworkScript(provider, args);

async function loadRunner(): Promise<typeof import('./script-runner')> {
    const { buildContracts } = load('../../contracts/build.cjs') as { buildContracts: () => Promise<boolean> };
    await buildContracts();
    return load('./script-runner') as typeof import('./script-runner');
}
