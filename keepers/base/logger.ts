import pino from 'pino';

export type Logger = pino.Logger;

/** Field names whose values never reach a log, wherever they sit in a logged object. */
const secretFields = [
    'mnemonic',
    'secretKey',
    'privateKey',
    'seed',
    'authorization',
    'apiKey',
    'prompt',
    'messages',
    'body',
    'answer',
];

/** How many lines of a level there were. */
export interface LogLines {
    warn: number;
    error: number;
}

export interface LoggerOptions {
    name: string;
    level?: string;
    /** Counted up with every line of these levels that is written. */
    lines?: LogLines;
    /** Where lines go; standard error by default, so that standard output stays for results. */
    destination?: pino.DestinationStream;
}

export function createLogger(options: LoggerOptions): Logger {
    const redact = {
        paths: secretFields.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]),
        censor: '[redacted]',
    };
    return pino(
        {
            name: options.name,
            level: options.level ?? 'info',
            redact,
            timestamp: pino.stdTimeFunctions.isoTime,
            ...(options.lines && { hooks: countingHooks(options.lines) }),
        },
        options.destination ?? pino.destination({ dest: 2, sync: false }),
    );
}

/** A level that is switched off never reaches the hook: what is not shown is not counted. */
function countingHooks(lines: LogLines): pino.LoggerOptions['hooks'] {
    return {
        logMethod(args, method, level) {
            if (level >= pino.levels.values['error']!) lines.error += 1;
            else if (level >= pino.levels.values['warn']!) lines.warn += 1;
            method.apply(this, args);
        },
    };
}

export function silentLogger(): Logger {
    return pino({ level: 'silent' });
}
