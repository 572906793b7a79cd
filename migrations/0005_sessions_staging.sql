CREATE TABLE `report_names` (
	`study_id` text NOT NULL,
	`identifier` text NOT NULL,
	`labels` text DEFAULT '[]' NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`study_id`, `identifier`)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `assertions` (
	`study_id` text NOT NULL,
	`key_id` text NOT NULL,
	`hash` text NOT NULL,
	`session_id` text NOT NULL,
	`expires_at` integer NOT NULL,
	PRIMARY KEY(`study_id`, `key_id`, `hash`)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `assertions_expires` ON `assertions` (`expires_at`);--> statement-breakpoint
CREATE TABLE `sessions` (
	`study_id` text NOT NULL,
	`hash` text NOT NULL,
	`id` text NOT NULL,
	`kind` text NOT NULL,
	`door` text NOT NULL,
	`key_id` text NOT NULL,
	`role` text NOT NULL,
	`participant_id` text,
	`member_id` text,
	`read_only` integer DEFAULT 0 NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	PRIMARY KEY(`study_id`, `hash`)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `sessions_key` ON `sessions` (`study_id`,`key_id`,`door`,`kind`,`id`);--> statement-breakpoint
CREATE INDEX `sessions_participant` ON `sessions` (`study_id`,`participant_id`) WHERE participant_id IS NOT NULL;--> statement-breakpoint
CREATE INDEX `sessions_expires` ON `sessions` (`expires_at`);--> statement-breakpoint
ALTER TABLE `uploads` ADD `staging_key` text;--> statement-breakpoint
CREATE INDEX `uploads_staged` ON `uploads` (`study_id`,`id`) WHERE staging_key IS NOT NULL;--> statement-breakpoint
CREATE INDEX `uploads_staged_owner` ON `uploads` (`study_id`,`owner`,`id`) WHERE staging_key IS NOT NULL;--> statement-breakpoint
ALTER TABLE `studies` ADD `participants` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX `api_keys_service_accounts` ON `api_keys` (`label`,`study_id`,`id`) WHERE public_key IS NOT NULL;--> statement-breakpoint
ALTER TABLE `reports` ADD `opened` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX `reports_identifier` ON `reports` (`study_id`,`identifier`,`owner`);
--> statement-breakpoint
UPDATE studies SET participants = (SELECT count(*) FROM participants p WHERE p.study_id = studies.id);
--> statement-breakpoint
CREATE TRIGGER participants_counted AFTER INSERT ON participants
BEGIN
	UPDATE studies SET participants = participants + 1 WHERE id = NEW.study_id;
END;
--> statement-breakpoint
CREATE TRIGGER participants_uncounted AFTER DELETE ON participants
BEGIN
	UPDATE studies SET participants = participants - 1 WHERE id = OLD.study_id;
END;
--> statement-breakpoint
INSERT INTO report_names (study_id, identifier, created_at)
SELECT study_id, identifier, min(created_at) FROM reports WHERE owner <> '' GROUP BY study_id, identifier;
--> statement-breakpoint
-- A name is somebody's word: it goes with the last report that has it.
CREATE TRIGGER reports_unnamed AFTER DELETE ON reports
WHEN OLD.owner <> '' AND NOT EXISTS (SELECT 1 FROM reports r INDEXED BY reports_identifier
	WHERE r.study_id = OLD.study_id AND r.identifier = OLD.identifier AND r.owner <> '')
BEGIN
	DELETE FROM report_names WHERE study_id = OLD.study_id AND identifier = OLD.identifier;
END;
