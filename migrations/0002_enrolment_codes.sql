CREATE TABLE `enrolment_codes` (
	`study_id` text NOT NULL,
	`hash` text NOT NULL,
	`id` text NOT NULL,
	`participant_id` text NOT NULL,
	`label` text NOT NULL,
	`created_by` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`claimed_at` integer,
	`claimed_by` text,
	`key_id` text,
	`revoked_at` integer,
	PRIMARY KEY(`study_id`, `hash`)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `enrolment_codes_participant` ON `enrolment_codes` (`study_id`,`participant_id`,`id`);--> statement-breakpoint
CREATE INDEX `enrolment_codes_expires` ON `enrolment_codes` (`expires_at`);
