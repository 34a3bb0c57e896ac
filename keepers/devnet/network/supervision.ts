import { errorMessage, systemClock } from '../../base';
import type { LocalNetwork } from './local-network';

const firstReviveDelayMs = 1_000;
const maxReviveDelayMs = 30_000;

type Supervised = Pick<LocalNetwork, 'processes' | 'process' | 'restart'>;
type Say = (line: string) => void;

/** Restarts whatever ends by itself, as a service manager would; returns how to stop doing so. */
export function superviseAll(network: Supervised, say: Say): () => void {
    const stopping = new AbortController();
    const watch = (name: string) => {
        network.process(name).onExit((code, signal) => {
            if (stopping.signal.aborted) return;
            say(`${name} ended with ${signal ?? `exit code ${code}`}; starting it again`);
            const revived = revive(network, name, { say, stopping: stopping.signal });
            void revived.then((isBack) => isBack && watch(name));
        });
    };
    for (const name of network.processes.keys()) watch(name);
    return () => stopping.abort();
}

/** Until it is back: what it needs, the chain for one, may be down as well. */
async function revive(
    network: Supervised,
    name: string,
    { say, stopping }: { say: Say; stopping: AbortSignal },
): Promise<boolean> {
    for (let delayMs = firstReviveDelayMs; !stopping.aborted; delayMs = Math.min(delayMs * 2, maxReviveDelayMs)) {
        try {
            await network.restart(name);
            return !stopping.aborted;
        } catch (error) {
            if (stopping.aborted) break;
            say(`${name} could not be started again, trying on: ${errorMessage(error)}`);
            await systemClock.sleep(delayMs, stopping).catch(() => undefined);
        }
    }
    return false;
}
