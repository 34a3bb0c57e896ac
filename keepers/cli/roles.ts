import type { Logger } from '../base';
import { createLogger, forbidCoreDumps, forbidDebugger, packageVersion } from '../base';
import { ensureTokenFile, loadConfig, readSecretFile, type Role, type RoleConfig } from '../config';
import { type Hop, RequestTracer, RoleTelemetry } from '../telemetry';

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
    start: (config: RoleConfig<R>, logger: Logger, telemetry: RoleTelemetry) => Promise<RunningRole>,
): Promise<void> {
    const holdsSecrets = secretRoles.includes(role);
    if (holdsSecrets) forbidDebugger();
    const config = loadConfig(role, { file: options.config });
    const logLines = { warn: 0, error: 0 };
    const logger = createLogger({ name: role, level: config.logLevel, lines: logLines });
    if (holdsSecrets && forbidCoreDumps() === undefined)
        logger.warn({ platform: process.platform }, 'whether this system writes core dumps is not known');
    const orphanedEarly = () => process.exit(1);
    process.once('disconnect', orphanedEarly);
    const tracer = await tracerOf(role, config);
    const telemetry = new RoleTelemetry({ role, version: packageVersion(), logger, logLines, tracer });
    // Before the role is up: whoever waits for it can see what it waits for.
    const adminUrl = await listenForOperator(telemetry, config);
    const running = await start(config, logger, telemetry);
    telemetry.readiness.started();
    const facts = { ...running.facts, ...(adminUrl !== null && { adminUrl }) };
    process.stdout.write(`${JSON.stringify({ ready: true, role, ...facts })}\n`);
    logger.info(facts, 'ready');
    process.off('disconnect', orphanedEarly);
    await stopSignal();
    logger.info('stopping');
    telemetry.readiness.setStopping();
    process.once('SIGINT', () => process.exit(130));
    await telemetry.stopSampling();
    await running.stop();
    await telemetry.close();
    if (process.connected) process.disconnect();
}

/** Off unless the settings say where spans go. */
async function tracerOf(role: Role, config: RoleConfig<Role>): Promise<RequestTracer | null> {
    if (!('traces' in config) || config.traces === undefined) return null;
    const { otlpUrl, authorizationFile, sampleRatio } = config.traces;
    const authorization = authorizationFile === undefined ? undefined : readSecretFile(authorizationFile);
    return RequestTracer.export({ hop: role as Hop, version: packageVersion(), otlpUrl, authorization, sampleRatio });
}

async function listenForOperator(telemetry: RoleTelemetry, config: RoleConfig<Role>): Promise<string | null> {
    if (!('admin' in config) || config.admin === undefined) return null;
    const { host, port, tokenFile } = config.admin;
    return telemetry.listen({ host, port, token: tokenFile === undefined ? null : ensureTokenFile(tokenFile) });
}

/** Or the end of the process that started this one over a channel, as `cocoon start` does; nobody else would stop it. */
function stopSignal(): Promise<void> {
    return new Promise((resolve) => {
        process.once('disconnect', () => resolve());
        process.once('SIGTERM', () => resolve());
        process.once('SIGINT', () => resolve());
    });
}
