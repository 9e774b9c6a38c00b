from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('webcom', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='RebateMonth',
            fields=[
                ('month', models.CharField(max_length=7, primary_key=True, serialize=False)),
                ('updated_at', models.DateTimeField()),
            ],
        ),
        migrations.AlterField(
            model_name='rebate',
            name='counter',
            field=models.IntegerField(verbose_name='counter'),
        ),
        migrations.AddField(
            model_name='unreadable',
            name='times',
            field=models.PositiveIntegerField(default=1, verbose_name='times'),
        ),
    ]
