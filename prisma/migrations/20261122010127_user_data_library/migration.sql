-- CreateTable
CREATE TABLE "user_data_items" (
    "name" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "type" TEXT NOT NULL,
    "content" TEXT NOT NULL,
    "template" BOOLEAN NOT NULL,
    "merge_type" TEXT,
    "description" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_by" TEXT NOT NULL,

    CONSTRAINT "user_data_items_pkey" PRIMARY KEY ("name","version")
);
