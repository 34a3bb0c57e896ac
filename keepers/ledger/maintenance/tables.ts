interface BackupTable {
    name: string;
    /** Unique, and what rows are read in the order of. */
    key: string[];
    /** Numbers its rows by itself. */
    numbered: boolean;
}

/** Those that others refer to first. Leases are left out: they are about processes that run now. */
export const backupTables: readonly BackupTable[] = [
    { name: 'dispatch_streams', key: ['id'], numbered: true },
    { name: 'dispatch_caps', key: ['stream_id', 'session_key'], numbered: false },
    { name: 'dispatch_requests', key: ['request_id'], numbered: false },
    { name: 'dispatch_receipts', key: ['id'], numbered: true },
    { name: 'dispatch_contradictions', key: ['id'], numbered: true },
    { name: 'dispatch_settlements', key: ['id'], numbered: true },
    { name: 'outbox_sends', key: ['id'], numbered: true },
    { name: 'outbox', key: ['id'], numbered: true },
    { name: 'outbox_spent', key: ['wallet', 'hour_ms'], numbered: false },
];
