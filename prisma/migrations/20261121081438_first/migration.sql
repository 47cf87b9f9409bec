-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "public";

-- CreateEnum
CREATE TYPE "MachineState" AS ENUM ('enrolled', 'verifying', 'verify_failed', 'inactive', 'installing', 'install_failed', 'active', 'used', 'deleting', 'delete_failed');

-- CreateEnum
CREATE TYPE "InstanceState" AS ENUM ('building', 'active', 'error', 'deleting', 'deleted');

-- CreateEnum
CREATE TYPE "Stage" AS ENUM ('queued', 'booting', 'install', 'install_reboot', 'booting_disk', 'installed', 'delete', 'deleted');

-- CreateEnum
CREATE TYPE "PowerState" AS ENUM ('on', 'off', 'unknown');

-- CreateEnum
CREATE TYPE "BootMode" AS ENUM ('bios', 'uefi');

-- CreateEnum
CREATE TYPE "WipeMode" AS ENUM ('quick', 'discard', 'overwrite');

-- CreateTable
CREATE TABLE "machines" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "state" "MachineState" NOT NULL,
    "state_since" TIMESTAMPTZ(3) NOT NULL,
    "stage" "Stage",
    "stage_since" TIMESTAMPTZ(3),
    "progress" INTEGER,
    "progress_message" TEXT,
    "awaits" TEXT,
    "awaits_until" TIMESTAMPTZ(3),
    "last_error" JSONB,
    "power" "PowerState" NOT NULL DEFAULT 'unknown',
    "power_at" TIMESTAMPTZ(3),
    "instance_id" UUID,
    "instance_type" TEXT NOT NULL,
    "vcpus" INTEGER NOT NULL,
    "memory_mb" INTEGER NOT NULL,
    "local_gb" INTEGER NOT NULL,
    "availability_zone" TEXT NOT NULL,
    "bmc_host" TEXT NOT NULL,
    "bmc_port" INTEGER NOT NULL,
    "bmc_user" TEXT NOT NULL,
    "bmc_password" TEXT NOT NULL,
    "bmc_cipher_suite" INTEGER NOT NULL,
    "pxe_mac" TEXT NOT NULL,
    "pxe_ip" TEXT,
    "storage_mac" TEXT,
    "storage_ip" TEXT,
    "service_ip" TEXT,
    "service_mac1" TEXT,
    "service_mac2" TEXT,
    "switch_port1" INTEGER,
    "switch_port2" INTEGER,
    "dpid1" TEXT,
    "dpid2" TEXT,
    "vlan_id" INTEGER,
    "boot_mode" "BootMode" NOT NULL,
    "root_device_hint" JSONB,
    "labels" JSONB NOT NULL DEFAULT '{}',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "machines_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "instances" (
    "id" UUID NOT NULL,
    "host_name" TEXT NOT NULL,
    "state" "InstanceState" NOT NULL,
    "machine_id" UUID,
    "image_id" UUID,
    "instance_type" TEXT NOT NULL,
    "cluster" TEXT,
    "vlan_id" INTEGER,
    "ssh_keys" JSONB NOT NULL DEFAULT '[]',
    "last_error" JSONB,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "installed_at" TIMESTAMPTZ(3),
    "deleted_at" TIMESTAMPTZ(3),

    CONSTRAINT "instances_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "images" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "sha256" TEXT NOT NULL,
    "source_sha256" TEXT NOT NULL,
    "compressed_bytes" BIGINT NOT NULL,
    "uncompressed_bytes" BIGINT NOT NULL,
    "file_system" TEXT NOT NULL,
    "default_user" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "images_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "instance_types" (
    "name" TEXT NOT NULL,
    "vcpus" INTEGER NOT NULL,
    "memory_mb" INTEGER NOT NULL,
    "local_gb" INTEGER NOT NULL,
    "root_size_mib" INTEGER NOT NULL,
    "swap_size_mib" INTEGER NOT NULL,
    "kdump_size_mib" INTEGER NOT NULL,
    "ephemeral_size_mib" INTEGER NOT NULL,
    "wipe_mode" "WipeMode" NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "instance_types_pkey" PRIMARY KEY ("name")
);

-- CreateTable
CREATE TABLE "events" (
    "id" BIGSERIAL NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "kind" TEXT NOT NULL,
    "machine_id" UUID,
    "instance_id" UUID,
    "message" TEXT NOT NULL,
    "data" JSONB NOT NULL DEFAULT '{}',

    CONSTRAINT "events_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "api_tokens" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "hash" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "api_tokens_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "idempotency_keys" (
    "key" TEXT NOT NULL,
    "request_hash" TEXT NOT NULL,
    "instance_id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "idempotency_keys_pkey" PRIMARY KEY ("key")
);

-- CreateIndex
CREATE UNIQUE INDEX "machines_name_key" ON "machines"("name");

-- CreateIndex
CREATE UNIQUE INDEX "machines_instance_id_key" ON "machines"("instance_id");

-- CreateIndex
CREATE UNIQUE INDEX "machines_pxe_mac_key" ON "machines"("pxe_mac");

-- CreateIndex
CREATE UNIQUE INDEX "machines_pxe_ip_key" ON "machines"("pxe_ip");

-- CreateIndex
CREATE INDEX "machines_state_idx" ON "machines"("state");

-- CreateIndex
CREATE UNIQUE INDEX "machines_bmc_host_bmc_port_key" ON "machines"("bmc_host", "bmc_port");

-- CreateIndex
CREATE INDEX "instances_state_idx" ON "instances"("state");

-- CreateIndex
CREATE UNIQUE INDEX "images_name_key" ON "images"("name");

-- CreateIndex
CREATE INDEX "events_machine_id_id_idx" ON "events"("machine_id", "id");

-- CreateIndex
CREATE INDEX "events_instance_id_id_idx" ON "events"("instance_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "api_tokens_name_key" ON "api_tokens"("name");

-- CreateIndex
CREATE UNIQUE INDEX "api_tokens_hash_key" ON "api_tokens"("hash");

-- AddForeignKey
ALTER TABLE "machines" ADD CONSTRAINT "machines_instance_id_fkey" FOREIGN KEY ("instance_id") REFERENCES "instances"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "machines" ADD CONSTRAINT "machines_instance_type_fkey" FOREIGN KEY ("instance_type") REFERENCES "instance_types"("name") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "instances" ADD CONSTRAINT "instances_image_id_fkey" FOREIGN KEY ("image_id") REFERENCES "images"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- Every event is told to the listeners of this database. The lock makes the order of ids the order of commits, so
-- that a reader who resumes after an id misses nothing.
-- (\x3b is a semicolon: the schema engine cuts scripts at each one, inside strings too.)
CREATE FUNCTION "order_event"() RETURNS trigger LANGUAGE plpgsql AS E'
BEGIN
    PERFORM pg_advisory_xact_lock(7071)\x3b
    NEW."id" := nextval(''events_id_seq'')\x3b
    RETURN NEW\x3b
END';
CREATE TRIGGER "order_event" BEFORE INSERT ON "events" FOR EACH ROW EXECUTE FUNCTION "order_event"();

CREATE FUNCTION "tell_event"() RETURNS trigger LANGUAGE plpgsql AS E'
BEGIN
    PERFORM pg_notify(''dodai_events'', NEW."id"::text)\x3b
    RETURN NULL\x3b
END';
CREATE TRIGGER "tell_event" AFTER INSERT ON "events" FOR EACH ROW EXECUTE FUNCTION "tell_event"();
