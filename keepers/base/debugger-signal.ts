import { url as inspectorUrl } from 'node:inspector';
import { CocoonError } from './errors';

/**
 * A debugger reads all of a process, prompts and keys, and Node opens one for whoever may send SIGUSR1. From here on the
 * signal does nothing; whoever may send it can still end the process, which tells nothing.
 *
 * @throws CocoonError `debugger_open` when one is open already: nothing secret may be loaded then
 */
export function forbidDebugger(): void {
    // A handler of ours takes the place of Node's.
    process.on('SIGUSR1', () => undefined);
    if (inspectorUrl() === undefined) return;
    const remedy = 'start without --inspect, also in NODE_OPTIONS, and send no SIGUSR1';
    throw new CocoonError('debugger_open', `a debugger can read this process: ${remedy}`, { action: 'fix' });
}
