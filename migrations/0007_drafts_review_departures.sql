CREATE TABLE `departures` (
	`study_id` text NOT NULL,
	`participant_id` text NOT NULL,
	`left_at` integer NOT NULL,
	`due_at` integer NOT NULL,
	PRIMARY KEY(`study_id`, `participant_id`)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `departures_due` ON `departures` (`due_at`);--> statement-breakpoint
ALTER TABLE `files` ADD `draft` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `versions` ADD `description` text;--> statement-breakpoint
ALTER TABLE `versions` ADD `review` text DEFAULT 'PEN' NOT NULL;--> statement-breakpoint
ALTER TABLE `api_keys` ADD `issued_by` text;--> statement-breakpoint
CREATE INDEX `api_keys_download` ON `api_keys` (`study_id`,`label`) WHERE role = 'download';--> statement-breakpoint
CREATE INDEX `members_subject` ON `members` (`issuer`,`subject`,`study_id`);