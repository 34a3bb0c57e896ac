import { Registry } from 'prom-client';
import { z } from 'zod';
import type { Logger, LogLines } from '../base';
import { type AdminListen, createAdminServer } from './admin-server';
import { pulledCounters } from './instruments';
import { processMetrics } from './process-metrics';
import { ReadinessBook } from './readiness';
import type { Sampler } from './sampler';
import type { RequestTracer } from './tracing';

/** Something an operator may have a running role do. */
export interface AdminAct<Body = unknown> {
    description: string;
    body: z.ZodType<Body>;
    /** What it resolves to is answered as JSON; amounts as text. */
    run(body: Body): Promise<object>;
}

/** A part of what `cocoon status` shows. Must be quick: it reads what is at hand. */
export type StatusPart = () => object | Promise<object>;

export interface TelemetryOptions {
    role: string;
    version: string;
    logger: Logger;
    /** What the logger has written. */
    logLines?: Readonly<LogLines>;
    /** Absent where nothing is traced. */
    tracer?: RequestTracer | null;
}

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;

/**
 * How one role is watched and steered while it runs: metrics, readiness, state, acts. Every role makes one and hands its
 * parts what they need; without a listener it only counts.
 */
export class RoleTelemetry {
    readonly role: string;
    readonly registry = new Registry();
    readonly tracer: RequestTracer | null;
    readonly readiness = new ReadinessBook();
    readonly acts = new Map<string, AdminAct>();
    private readonly volumes = new Map<string, string>();
    private readonly parts = new Map<string, StatusPart>();
    private readonly samplers: Sampler<unknown>[] = [];
    private readonly startedAtMs = Date.now();
    private server: ReturnType<typeof createAdminServer> | undefined;

    constructor(private readonly options: TelemetryOptions) {
        const { role, version, logger, logLines = { warn: 0, error: 0 } } = options;
        this.role = role;
        this.tracer = options.tracer ?? null;
        processMetrics(this.registry, { role, version, readiness: this.readiness, volumes: this.volumes });
        pulledCounters(
            this.registry,
            { name: 'cocoon_log_lines_total', help: 'Lines logged as warning or error', label: 'level' },
            () => Object.entries(logLines),
        );
        this.addAct('log-level', {
            description: 'what the log shows until the next start: {"level":"debug"}',
            body: z.strictObject({ level: z.enum(logLevels) }),
            run: async ({ level }) => {
                const before = logger.level;
                logger.level = level;
                return { before, level };
            },
        });
    }

    addAct<Body>(name: string, act: AdminAct<Body>): void {
        this.acts.set(name, act);
    }

    addStatus(name: string, part: StatusPart): void {
        this.parts.set(name, part);
    }

    /** The disk of this file must not run full. */
    addVolume(name: string, file: string): void {
        this.volumes.set(name, file);
    }

    /** Read while the role runs. */
    addSampler<Value>(sampler: Sampler<Value>): Sampler<Value> {
        this.samplers.push(sampler);
        sampler.start();
        return sampler;
    }

    async status(): Promise<object> {
        const { role, version } = this.options;
        const parts = await Promise.all([...this.parts].map(async ([name, part]) => [name, await part()] as const));
        return {
            role,
            version,
            nodejs: process.version,
            pid: process.pid,
            uptimeSec: Math.floor((Date.now() - this.startedAtMs) / 1000),
            ...this.readiness.look(),
            ...Object.fromEntries(parts),
        };
    }

    /** @returns the URL that it listens on */
    async listen({ host, port, token }: AdminListen): Promise<string> {
        this.server = createAdminServer(this, token, this.options.logger);
        return this.server.listen({ host, port });
    }

    /** Before what is sampled is closed; what was read last is shown to the end. */
    async stopSampling(): Promise<void> {
        await Promise.all(this.samplers.map((sampler) => sampler.stop()));
    }

    async close(): Promise<void> {
        await this.stopSampling();
        await this.server?.close();
        await this.tracer?.shutdown();
        this.registry.clear();
    }
}
