"""A judging backend over HTTP, in one process with an embedded database.

request ──► api ──► FairQueue ──► Slots ──► Boxes, Judge ──► Result, Judgement ──► answer, event, webhook
            key,    bounded,      threads   warm
            quota   fair
"""
