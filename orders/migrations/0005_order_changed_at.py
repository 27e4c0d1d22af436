"""When anything a reader of the API sees last changed, for `updated_since`; kept by a trigger, so no update forgets it."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models
from django.db.models.functions import Now

FORWARD = """
CREATE FUNCTION orders_note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed_at = clock_timestamp();
    RETURN NEW;
END $$;
CREATE TRIGGER orders_note_change BEFORE UPDATE ON orders_order FOR EACH ROW
    WHEN (OLD.export_state IS DISTINCT FROM NEW.export_state OR OLD.reason_code IS DISTINCT FROM NEW.reason_code
          OR OLD.status IS DISTINCT FROM NEW.status OR OLD.revision IS DISTINCT FROM NEW.revision
          OR OLD.store_order_id IS DISTINCT FROM NEW.store_order_id)
    EXECUTE FUNCTION orders_note_change();
"""
BACK = """
DROP TRIGGER orders_note_change ON orders_order;
DROP FUNCTION orders_note_change();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("orders", "0004_search_functions")]

    operations: ClassVar = [
        migrations.AddField(
            model_name="order",
            name="changed_at",
            field=models.DateTimeField(
                db_default=Now(),
                editable=False,
                help_text="When anything a reader sees last changed; kept by a trigger.",
            ),
        ),
        migrations.RemoveIndex(model_name="order", name="order_changed"),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(fields=["merchant", "changed_at", "id"], name="order_changed_at"),
        ),
        migrations.RunSQL(FORWARD, BACK),
    ]
