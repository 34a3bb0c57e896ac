import type { Logger } from '../base';
import { createLogger, forbidCoreDumps } from '../base';
import { loadConfig, type Role, type RoleConfig } from '../config';

/** A role under way. `facts` are shown in its ready line. */
export interface RunningRole {
    facts: Record<string, string | number | boolean | null>;
    stop(): Promise<void>;
}

export interface RoleOptions {
    config?: string;
}

/** What these hold in memory no disk may see: keys and prompts. */
const secretRoles: readonly Role[] = ['node', 'gateway'];

/**
 * Runs one role until SIGTERM or SIGINT. Its only line on standard output says that it is ready; the log goes to
 * standard error. A second signal ends it at once.
 */
export async function runRole<R extends Role>(
    role: R,
    options: RoleOptions,
    start: (config: RoleConfig<R>, logger: Logger) => Promise<RunningRole>,
): Promise<void> {
    const config = loadConfig(role, { file: options.config });
    const logger = createLogger({ name: role, level: config.logLevel });
    if (secretRoles.includes(role) && forbidCoreDumps() === undefined)
        logger.warn({ platform: process.platform }, 'whether this system writes core dumps is not known');
    const orphanedEarly = () => process.exit(1);
    process.once('disconnect', orphanedEarly);
    const running = await start(config, logger);
    process.stdout.write(`${JSON.stringify({ ready: true, role, ...running.facts })}\n`);
    logger.info(running.facts, 'ready');
    process.off('disconnect', orphanedEarly);
    await stopSignal();
    logger.info('stopping');
    process.once('SIGINT', () => process.exit(130));
    await running.stop();
    if (process.connected) process.disconnect();
}

/** Or the end of the process that started this one over a channel, as `cocoon start` does; nobody else would stop it. */
function stopSignal(): Promise<void> {
    return new Promise((resolve) => {
        process.once('disconnect', () => resolve());
        process.once('SIGTERM', () => resolve());
        process.once('SIGINT', () => resolve());
    });
}
