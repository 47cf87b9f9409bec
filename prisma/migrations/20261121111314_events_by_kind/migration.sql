-- CreateIndex
CREATE INDEX "instances_host_name_id_idx" ON "instances"("host_name", "id");

-- CreateIndex
CREATE INDEX "events_kind_id_idx" ON "events"("kind", "id");
