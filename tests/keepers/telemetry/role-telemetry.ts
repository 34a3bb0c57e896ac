import { createLogger } from '../../../keepers/base';
import { RoleTelemetry } from '../../../keepers/telemetry';

/** A role that is watched, its log kept in memory. */
export function watchedRole(role = 'dispatcher') {
    const lines: string[] = [];
    const logLines = { warn: 0, error: 0 };
    const destination = { write: (line: string) => void lines.push(line) };
    const logger = createLogger({ name: role, level: 'info', lines: logLines, destination });
    const telemetry = new RoleTelemetry({ role, version: '1.2.3', logger, logLines });
    return { telemetry, logger, lines };
}
