"""The hand itself: template, skeleton, skinning, camera. Knows no device, no configuration and no files but the template's."""
